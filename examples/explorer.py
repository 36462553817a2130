"""A page of your own expression: both passes, step by step, with numbers that you can change."""

import viz
from autograd import Value

x = Value(2.0, "x")
w = Value(0.5, "w")
b = Value(-0.25, "b")
a = (w * x + b).tanh()
a.label = "a"
loss = (a - 1.0) ** 2 + 0.01 * w * w  # w is used twice: watch its two contributions add up
loss.label = "loss"

print(viz.to_text(loss, color=False))
print(f"wrote {viz.save(viz.to_html(loss), 'explorer.html')}: open it in a browser")
print(f"wrote {viz.save(viz.draw_backward(loss), 'backward.svg')}")

viz.to_html(loss)  # in a notebook it shows itself
