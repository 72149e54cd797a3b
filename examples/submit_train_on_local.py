# What the article "Log metrics during training runs" does with its second script: submit it, follow it, look at what it
# logged, and keep the best model.
import os

from azureml.core import Environment, Experiment, ScriptRunConfig, Workspace

ws = Workspace.from_config()

# Editing a run configuration property on-fly.
user_managed_env = Environment("user-managed-env")

user_managed_env.python.user_managed_dependencies = True

exp = Experiment(workspace=ws, name="train-on-local")
src = ScriptRunConfig(source_directory=os.path.join(os.path.dirname(__file__), "train_on_local"), script="train.py")
src.run_config.environment = user_managed_env
run = exp.submit(src)

run.wait_for_completion(show_output=True)

metrics = run.get_metrics()
best = min(range(20), key=lambda index: metrics["mse"][index])
print("best alpha:", round(metrics["alpha"][best], 2), "mse:", round(metrics["mse"][best], 2))

model = run.register_model(model_name="best-ridge", model_path="ridge_{0:.2f}.pkl".format(metrics["alpha"][best]))
print("registered:", model.id)
print("portal:", run.get_portal_url())
