"""The page and the report: answers as HTML, charts and spreadsheets. Rendering alone; what leads here is in `api`."""
