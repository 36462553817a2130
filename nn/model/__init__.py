"""The network: modules with their parameters, neurons in layers in an MLP, activations, and how weights begin."""
