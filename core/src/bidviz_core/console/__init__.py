"""The console: lines of Python inside the training process, at the step boundary or on a thread of their own."""
