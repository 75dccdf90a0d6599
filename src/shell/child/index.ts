export * from './be-child.ts';
export * from './drop-workers.ts';
export * from './listen-on-socket.ts';
