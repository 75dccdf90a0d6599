import type { ActivityBucket } from '../../api/shapes.ts';

export interface Plot {
  readonly left: number;
  readonly width: number;
  readonly height: number;
  /** The value at the top. */
  readonly ceiling: number;
}

export interface Bar extends ActivityBucket {
  readonly x: number;
  readonly width: number;
  readonly allowedY: number;
  readonly allowedHeight: number;
  readonly deniedY: number;
  readonly deniedHeight: number;
}

/** The next 1, 2 or 5 times a power of ten, at least 2: an axis people can read. */
export function niceCeiling(value: number): number {
  if (value <= 2) return 2;
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 2, 5, 10].find((each) => each * power >= value) ?? 10;
  return factor * power;
}

/** Stacked bars: refused on top of allowed, so that a rise of refusals stands out at the edge. */
export function chartBars(buckets: readonly ActivityBucket[], plot: Plot): Bar[] {
  const step = plot.width / Math.max(1, buckets.length);
  const gap = Math.min(2, step / 4);
  return buckets.map((bucket, index) => {
    const allowedHeight = (bucket.allowed / plot.ceiling) * plot.height;
    // A single refusal among thousands must still be seen.
    const deniedHeight = bucket.denied === 0 ? 0 : Math.max(2, (bucket.denied / plot.ceiling) * plot.height);
    const allowedY = plot.height - allowedHeight;
    return {
      ...bucket,
      x: plot.left + index * step + gap / 2,
      width: step - gap,
      allowedY,
      allowedHeight,
      deniedY: Math.max(0, allowedY - deniedHeight),
      deniedHeight,
    };
  });
}
