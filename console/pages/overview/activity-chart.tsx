import { useElementSize } from '@mantine/hooks';
import { useId } from 'react';
import type { ActivityBucket } from '../../api/shapes.ts';
import { exactTime } from '../../time/relative.ts';
import { chartBars, niceCeiling } from './chart-bars.ts';

const widthDefault = 720;
const height = 150;
const bottom = 20;
const left = 34;
/** Room that the words under a bar take. */
const labelWidth = 56;

const hour = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

/** Allowed and refused requests over time as stacked bars, with the same numbers as a table for those who cannot see it. */
export function ActivityChart({ buckets }: { buckets: readonly ActivityBucket[] }) {
  const titleId = useId();
  const size = useElementSize();
  const width = size.width > 0 ? size.width : widthDefault;
  const ceiling = niceCeiling(Math.max(...buckets.map((bucket) => bucket.allowed + bucket.denied), 0));
  const plot = { left, width: width - left, height: height - bottom, ceiling };
  const bars = chartBars(buckets, plot);
  const allowed = buckets.reduce((sum, bucket) => sum + bucket.allowed, 0);
  const denied = buckets.reduce((sum, bucket) => sum + bucket.denied, 0);
  const labelEvery = Math.max(1, Math.ceil((buckets.length * 70) / width));
  return (
    <figure className="chart" ref={size.ref}>
      <figcaption className="chart-legend" id={titleId}>
        <span>
          <span className="swatch" data-kind="allowed" aria-hidden /> {allowed.toLocaleString()} allowed
        </span>
        <span>
          <span className="swatch" data-kind="denied" aria-hidden /> {denied.toLocaleString()} refused
        </span>
        <span className="dim">each bar is half an hour</span>
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-labelledby={titleId}>
        <title>Allowed and refused requests over time, counted for each half hour</title>
        {[0.5, 1].map((part) => (
          <g key={part}>
            <line
              className="chart-grid"
              x1={left}
              x2={width}
              y1={plot.height * (1 - part) + 0.5}
              y2={plot.height * (1 - part) + 0.5}
            />
            <text className="chart-text" x={left - 6} y={Math.max(9, plot.height * (1 - part) + 4)} textAnchor="end">
              {Math.round(ceiling * part)}
            </text>
          </g>
        ))}
        {bars.map((bar) => (
          <g key={bar.start}>
            <title>{`${exactTime(bar.start)}: ${bar.allowed} allowed, ${bar.denied} refused`}</title>
            <rect className="chart-hit" x={bar.x} y={0} width={bar.width} height={plot.height} />
            <rect data-kind="allowed" x={bar.x} y={bar.allowedY} width={bar.width} height={bar.allowedHeight} />
            <rect data-kind="denied" x={bar.x} y={bar.deniedY} width={bar.width} height={bar.deniedHeight} />
          </g>
        ))}
        <line className="chart-axis" x1={left} x2={width} y1={plot.height} y2={plot.height} />
        {bars
          .filter((bar, index) => index % labelEvery === 0 && bar.x + labelWidth <= width)
          .map((bar) => (
            <text key={bar.start} className="chart-text" x={bar.x} y={height - 5}>
              {hour.format(bar.start)}
            </text>
          ))}
      </svg>
      <div className="visually-hidden">
        <table>
          <caption>Requests by time</caption>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">Allowed</th>
              <th scope="col">Refused</th>
            </tr>
          </thead>
          <tbody>
            {buckets
              .filter((bucket) => bucket.allowed + bucket.denied > 0)
              .map((bucket) => (
                <tr key={bucket.start}>
                  <th scope="row">{exactTime(bucket.start)}</th>
                  <td>{bucket.allowed}</td>
                  <td>{bucket.denied}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}
