"""The stand-in of O*NET Web Services and builders of small ratings."""
