"""Background work: a process of its own that takes queued jobs from the catalogue and runs them on DBOS."""
