"""Sources of data: releases and O*NET Web Services. Independent of the database."""
