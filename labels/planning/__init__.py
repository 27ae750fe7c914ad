"""What a review of every few steps buys: the arithmetic of stages, and the success of a step from one's own reviews."""
