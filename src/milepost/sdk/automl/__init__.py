"""``azureml.train.automl``: what an automated ML run is to do, its process, and its run."""
