"""A linear chain over labels (CRF): its loss, and the most probable sequence."""

from __future__ import annotations

import torch
from torch import nn

FORBIDDEN = -1e4


class LabelChain(nn.Module):
    """Learnt scores of one label after another; what BIO does not allow is forbidden."""

    def __init__(self, labels: list[str]) -> None:
        super().__init__()
        count = len(labels)
        self.after = nn.Parameter(torch.zeros(count, count))
        self.first = nn.Parameter(torch.zeros(count))
        forbidden = torch.zeros(count, count)
        outset = torch.zeros(count)
        for new, label in enumerate(labels):
            if label.startswith("I-"):
                outset[new] = FORBIDDEN
                for old, before in enumerate(labels):
                    if before[2:] != label[2:]:
                        forbidden[old, new] = FORBIDDEN
        self.register_buffer("forbidden", forbidden)
        self.register_buffer("outset", outset)

    def loss(self, scores: torch.Tensor, labels: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Negative log likelihood per word; `scores` (rows, words, labels), the first `lengths` words of a row count."""
        after, first = self.after + self.forbidden, self.first + self.outset
        inside = torch.arange(scores.shape[1]) < lengths[:, None]
        own = scores.gather(2, labels[..., None])[..., 0] * inside
        steps = after[labels[:, :-1], labels[:, 1:]] * inside[:, 1:]
        gold = own.sum() + steps.sum() + first[labels[:, 0]].sum()
        forward = first + scores[:, 0]
        for word in range(1, scores.shape[1]):
            grown = torch.logsumexp(forward[:, :, None] + after, dim=1) + scores[:, word]
            forward = torch.where(inside[:, word, None], grown, forward)
        return (torch.logsumexp(forward, dim=1).sum() - gold) / lengths.sum()

    @torch.no_grad()
    def decode(self, scores: torch.Tensor) -> list[int]:
        """The best labels of one text: `scores` (words, labels)."""
        after = self.after + self.forbidden
        best, back = self.first + self.outset + scores[0], []
        for word in range(1, len(scores)):
            best, origin = (best[:, None] + after).max(dim=0)
            best = best + scores[word]
            back.append(origin)
        path = [int(best.argmax())]
        for origin in reversed(back):
            path.append(int(origin[path[-1]]))
        return path[::-1]
