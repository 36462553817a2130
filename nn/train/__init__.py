"""Training: `fit` and the loop of a run, the engines that give gradients, optimisers and what steers them."""
