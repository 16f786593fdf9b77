"""O*NET Web Services."""
