"""Trains a character-level transformer on the English text of Python's own help topics."""

import argparse
import math
from pydoc_data.topics import topics

import torch
from torch import nn
from torch.nn import functional

import bidviz_core as bidviz

CONTEXT = 64  # characters that the model looks back on
BATCH = 16


class TextModel(nn.Module):
    def __init__(self, symbols: int, width: int = 64, layers: int = 2, heads: int = 4) -> None:
        super().__init__()
        self.symbol = nn.Embedding(symbols, width)
        self.position = nn.Embedding(CONTEXT, width)
        layer = nn.TransformerEncoderLayer(width, heads, 4 * width, dropout=0.1, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, symbols)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(CONTEXT))

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        length = codes.shape[1]
        hidden = self.symbol(codes) + self.position.weight[:length]  # (batch, length, width)
        hidden = self.layers(hidden, mask=self.mask[:length, :length], is_causal=True)
        return self.head(self.norm(hidden))  # (batch, length, symbols)


@torch.no_grad()
def write(model: TextModel, symbols: list[str], start: str, length: int = 200) -> str:
    """Lets the model go on from a start, one character at a time."""
    model.eval()
    codes = torch.tensor([[symbols.index(symbol) for symbol in start]])
    for _ in range(length):
        chances = model(codes[:, -CONTEXT:])[0, -1].softmax(0)
        codes = torch.cat([codes, torch.multinomial(chances, 1)[None]], dim=1)
    model.train()
    return "".join(symbols[code] for code in codes[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20_000, help="updates of the parameters")
    steps = parser.parse_args().steps

    torch.manual_seed(0)
    text = "\n\n".join(topics[name] for name in sorted(topics))
    symbols = sorted(set(text))
    code_of = {symbol: code for code, symbol in enumerate(symbols)}
    codes = torch.tensor([code_of[symbol] for symbol in text])
    print(f"{len(text):,} characters, {len(symbols)} different ones")

    model = TextModel(len(symbols))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.98))
    warm_up = min(200, steps)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm_up, 0.55 + 0.45 * math.cos(math.pi * step / steps))
    )

    bidviz.watch(model, optimizer)

    for step in range(1, steps + 1):
        starts = torch.randint(len(codes) - CONTEXT - 1, (BATCH, 1))
        windows = codes[starts + torch.arange(CONTEXT + 1)]  # (batch, context + 1)
        outputs = model(windows[:, :-1])
        loss = functional.cross_entropy(outputs.flatten(0, 1), windows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()

        if step == steps or step % 5000 == 0:
            print(f"step {step}: {loss.item() / math.log(2):.2f} bits a character")
            print(write(model, symbols, "The "))


if __name__ == "__main__":
    main()
