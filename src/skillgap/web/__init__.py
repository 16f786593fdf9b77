"""The page: answers as HTML in a browser."""
