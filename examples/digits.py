"""Trains a small convolutional net on scikit-learn's handwritten digits: 1,797 real images of 8 × 8 pixels."""

import argparse

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import bidviz_core as bidviz


class DigitsNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(0.3)
        self.head = nn.Linear(32 * 2 * 2, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        hidden = self.pool(self.conv1(images).relu())  # (batch, 16, 4, 4)
        hidden = self.pool(self.conv2(hidden).relu())  # (batch, 32, 2, 2)
        return self.head(self.dropout(hidden.flatten(1)))


def jitter(images: torch.Tensor) -> torch.Tensor:
    """Shifts a batch by up to a pixel and adds noise, so that no two epochs are alike."""
    down, right = torch.randint(-1, 2, (2,)).tolist()
    return images.roll((down, right), (2, 3)) + 0.1 * torch.randn_like(images)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=5000, help="passes over the training images")
    epochs = parser.parse_args().epochs

    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    targets = torch.tensor(digits.target)
    train_index, test_index = train_test_split(range(len(targets)), test_size=0.2, stratify=targets, random_state=0)
    loader = DataLoader(TensorDataset(images[train_index], targets[train_index]), batch_size=64, shuffle=True)

    model = DigitsNet()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=100)

    session = bidviz.watch(model, optimizer)

    for epoch in range(1, epochs + 1):
        model.train()
        for inputs, labels in loader:
            loss = criterion(model(jitter(inputs)), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scheduler.step()
        session.epoch_done()

        if epoch in (1, 10, 100, epochs) or epoch % 500 == 0:
            model.eval()
            with torch.no_grad():
                right = (model(images[test_index]).argmax(1) == targets[test_index]).float().mean()
            print(f"epoch {epoch}: loss {loss.item():.3f}, {right:.1%} of the test images right")


if __name__ == "__main__":
    main()
