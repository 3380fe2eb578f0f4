// Metrics to begin with: each runs as it stands on a torch learner.

/** @type {{title: string, name: string, code: string, chart?: string|object, every?: number}[]} */
export const EXAMPLES = [
  {
    title: "Norm of each layer's gradient",
    name: "grad_norms",
    code: "return {name: grad.norm() for name, grad in grads.items()}",
    chart: { kind: "Line", y_scale: "log" },
  },
  {
    title: "Share of dead units",
    name: "dead_units",
    code: "# The share of outputs of the model that are zero or below for the whole batch.\nalive = (outputs > 0).flatten(1).any(0)\nreturn 1 - alive.float().mean()",
  },
  { title: "Learning rate", name: "learning_rate", code: 'optimizer.param_groups[0]["lr"]' },
  {
    title: "Update against weight",
    name: "update_ratio",
    code: "# About 1e-3 is healthy; far less learns nothing, far more is unstable.\nreturn updates.norm() / params.norm()",
    chart: { kind: "Line", y_scale: "log" },
  },
  {
    title: "Histogram of the gradient",
    name: "grad_histogram",
    code: "flat = grads.flat()\ncounts, edges = np.histogram(flat.cpu().numpy(), bins=60)\nimport bidviz_core as bidviz\nreturn bidviz.Histogram(counts, edges)",
    chart: "HistogramChart",
    every: 10,
  },
  {
    title: "Smoothed loss",
    name: "loss_smoothed",
    code: 'series["loss"].ewma(0.98)',
  },
  {
    title: "Confusion of the batch",
    name: "confusion",
    code: "classes = outputs.shape[1]\npredicted = outputs.argmax(1)\nreturn torch.bincount(targets * classes + predicted, minlength=classes ** 2).view(classes, classes)",
    chart: "ConfusionMatrix",
    every: 10,
  },
];
