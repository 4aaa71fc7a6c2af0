const binary = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] as const;
const decimal = ["k", "M", "G", "T", "P", "E"] as const;

/** As the API server writes it back: "200m", "2". */
export function milliQuantity(millis: number): string {
  return millis % 1000 === 0 ? decimalQuantity(millis / 1000) : `${millis}m`;
}

/** As the API server writes it back: "256Mi"; powers of ten where there is no power of two in it. */
export function bytesQuantity(bytes: number): string {
  const power = powersOf(1024, bytes, binary.length);
  return power === 0 ? decimalQuantity(bytes) : `${bytes / 1024 ** power}${binary[power - 1]}`;
}

function decimalQuantity(value: number): string {
  const power = powersOf(1000, value, decimal.length);
  return power === 0 ? String(value) : `${value / 1000 ** power}${decimal[power - 1]}`;
}

/** How often `value` can be divided by `base` without a rest. */
function powersOf(base: number, value: number, most: number): number {
  let power = 0;
  for (let rest = value; power < most && rest !== 0 && rest % base === 0; rest /= base) power += 1;
  return power;
}
