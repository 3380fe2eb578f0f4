"""What BIDViz itself brings, as plugins: each module here registers through the same hooks as everybody's."""

#: Loaded into every session, in this order.
NAMES = (
    "metrics",
    "commands_run",
    "commands_control",
    "commands_checkpoints",
    "commands_hyperparameters",
    "commands_policies",
    "commands_metrics",
    "commands_console",
    "commands_bundles",
    "commands_sharing",
    "commands_packing",
    "commands_model",
    "commands_model_changes",
)
