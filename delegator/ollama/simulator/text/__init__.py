"""What simulated models say: a source takes a `ReplyRequest`, gives a `Reply`, and fails at no prompt."""
