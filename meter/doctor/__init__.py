"""What `meter doctor` looks at: each check is a function from a home to findings, and the table holds them all."""
