/** Counters and gauges for `/metrics`, in the Prometheus text format 0.0.4. Names and labels are ours, never a client's. */
export class Metrics {
  readonly #counters = new Map<string, number>();
  readonly #gauges = new Map<string, () => number>();

  count(name: string, by = 1): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
  }

  gauge(name: string, read: () => number): void {
    this.#gauges.set(name, read);
  }

  text(): string {
    const lines: string[] = [];
    const families = new Set<string>();
    const line = (name: string, kind: string, value: number) => {
      const family = name.split('{', 1)[0] ?? name;
      if (!families.has(family)) {
        families.add(family);
        lines.push(`# TYPE ${family} ${kind}`);
      }
      lines.push(`${name} ${value}`);
    };
    for (const [name, value] of [...this.#counters].sort()) line(name, 'counter', value);
    for (const [name, read] of [...this.#gauges].sort(([a], [b]) => (a < b ? -1 : 1))) line(name, 'gauge', read());
    return `${lines.join('\n')}\n`;
  }
}
