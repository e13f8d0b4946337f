"""A session's rules: its states and ids, who speaks when and with which prompt, and the receipt at its end."""
