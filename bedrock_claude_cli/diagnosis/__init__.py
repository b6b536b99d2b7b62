"""What `why` makes of a text: cleaned, searched for errors, and explained by the error table."""
