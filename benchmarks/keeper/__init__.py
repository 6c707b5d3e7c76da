"""Is the original kept? A true original among copies that look better by some number, and whom each rule would keep."""
