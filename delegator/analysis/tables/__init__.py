"""The tables the rules of the analysis are made of; each row says words, what they speak for, and how much."""
