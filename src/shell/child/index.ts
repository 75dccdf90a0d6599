export * from './be-child.ts';
export * from './listen-on-socket.ts';
