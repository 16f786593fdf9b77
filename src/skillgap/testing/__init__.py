"""The stand-in for O*NET Web Services."""
