"""What is submitted: configurations of scripts, checked, and how they become jobs."""
