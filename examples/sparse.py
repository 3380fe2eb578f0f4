"""Learns which module of Python's standard library a docstring comes from, out of very sparse hashed words."""

import argparse
import ast
import sysconfig
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from sklearn.feature_extraction.text import HashingVectorizer
from torch import nn

import bidviz_core as bidviz

COLUMNS = 2**18
CLASSES = 20
BATCH = 64
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def read_docstrings() -> tuple[list[str], list[str]]:
    """Docstrings of the standard library, and the module or package that each comes from."""
    library = Path(sysconfig.get_path("stdlib"))
    texts, modules = [], []
    for path in sorted([*library.glob("*.py"), *library.glob("*/*.py")]):
        module = path.relative_to(library).parts[0].removesuffix(".py")
        if module in ("test", "site-packages", "dist-packages", "idlelib", "lib2to3"):
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, DOCUMENTED) and (text := ast.get_docstring(node)):
                texts.append(text)
                modules.append(module)
    return texts, modules


class SparseClassifier(nn.Module):
    """Weighted sums of word vectors, and a linear layer; only the rows that a batch uses have gradients."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(COLUMNS, width, mode="sum", sparse=True)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, columns: torch.Tensor, offsets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        weights = self.dropout(weights)  # half of the words are left out, so that no single one gives a text away
        return self.head(self.words(columns, offsets, per_sample_weights=weights))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=1000, help="passes over the docstrings")
    epochs = parser.parse_args().epochs

    torch.manual_seed(0)
    torch.sparse.check_sparse_tensor_invariants.disable()  # said aloud, because torch warns where nothing is said
    texts, modules = read_docstrings()
    classes = [module for module, _ in Counter(modules).most_common(CLASSES)]
    kept = [index for index, module in enumerate(modules) if module in classes]
    targets = torch.tensor([classes.index(modules[index]) for index in kept])
    vectorizer = HashingVectorizer(n_features=COLUMNS, ngram_range=(1, 2), dtype=np.float32)
    features = vectorizer.transform([texts[index] for index in kept])
    print(f"{len(kept):,} docstrings of {CLASSES} modules, density {features.nnz / np.prod(features.shape):.1e}")

    model = SparseClassifier()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.05)

    session = bidviz.watch(model, optimizer)

    for epoch in range(1, epochs + 1):
        correct = 0
        for rows in torch.randperm(len(kept)).split(BATCH):
            batch = features[rows.numpy()]
            columns, offsets, weights = map(torch.from_numpy, (batch.indices, batch.indptr[:-1], batch.data))
            outputs = model(columns, offsets, weights)
            loss = criterion(outputs, targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            correct += int((outputs.argmax(1) == targets[rows]).sum())
        session.epoch_done()

        if epoch in (1, 10, epochs) or epoch % 100 == 0:
            print(f"epoch {epoch}: loss {loss.item():.3f}, {correct / len(kept):.1%} of the docstrings right")


if __name__ == "__main__":
    main()
