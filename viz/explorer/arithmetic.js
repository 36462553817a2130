// Arithmetic that JavaScript does not bring: exact sums, and functions that are stable everywhere.
function sum(list) {
  const parts = []; // Shewchuk (1997): a sum of floats without rounding
  for (let x of list) {
    let n = 0;
    for (let y of parts) {
      if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x];
      const high = x + y, low = y - (high - x);
      if (low) parts[n++] = low;
      x = high;
    }
    parts.length = n;
    parts.push(x);
  }
  return parts.reduce((s, x) => s + x, 0);
}
function affine(a) {
  const n = a.length >> 1;
  let total = 0, rest = 0; // Neumaier's compensated sum, as Python adds floats
  for (let k = 0; k < n; k++) {
    const x = a[k] * a[n + k], t = total + x;
    rest += Math.abs(total) >= Math.abs(x) ? total - t + x : x - t + total;
    total = t;
  }
  return total + rest + a[2 * n];
}
function logsumexp(a) {
  const top = Math.max(...a);
  return top + Math.log1p(sum([...a.map((x) => Math.exp(x - top)), -1]));
}
function sigmoid(x) {
  const small = Math.exp(-Math.abs(x)), tail = small / (1 + small);
  return x >= 0 ? 1 - tail : tail;
}
// The rest of a division, with the sign of the divisor.
function rest(x, y) {
  const r = x % y;
  return r && r < 0 !== y < 0 ? r + y : r;
}
function erf(x) {
  if (Math.abs(x) > 1) return x > 0 ? 1 - erfc(x) : erfc(-x) - 1;
  let term = x, total = x; // Maclaurin's series
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(total); n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}
function erfc(x) {
  if (x < 1) return x < -1 ? 2 - erfc(-x) : 1 - erf(x);
  if (x > 27) return 0;
  let f = x; // Laplace's continued fraction, from the back
  for (let n = 160; n > 0; n--) f = x + n / 2 / f;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * f);
}
