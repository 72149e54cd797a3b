"""``azureml.train.hyperdrive``: what a sweep is to do, and its run."""
