/** The mark: an empty set whose stroke is a key passing through the one gap in the ring. Decorative; name it beside. */
export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" focusable="false" className="mark">
      <g fill="none" stroke="currentColor" strokeWidth="3" strokeLinecap="round">
        <path d="M20.6 8.6A9 9 0 1 0 23.9 12.2" />
        <path className="mark-key" d="M9.6 22.4 25.5 6.5" />
        <path className="mark-key" d="M22.6 9.4l2.6 2.6" />
      </g>
    </svg>
  );
}
