"""What a reader should believe now: counts and priors, what follows from both, and how far it hangs on the prior."""
