"""Gold: votes settled by a stated rule, and immutable releases of them that other tools load."""
