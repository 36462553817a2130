"""From families with one term each to the equations of the forward and the backward pass, simplified exactly."""
