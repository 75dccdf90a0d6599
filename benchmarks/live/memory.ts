import { readdirSync, readFileSync } from 'node:fs';

/** The gateway's process among the supervisor's children (Linux). */
export function gatewayOf(supervisor: number): number {
  for (const name of readdirSync('/proc').filter((each) => /^\d+$/.test(each))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
      if (parent === supervisor && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('/gateway/main.')) {
        return Number(name);
      }
    } catch {
      // It ended while we looked.
    }
  }
  throw new Error('the gateway is not running');
}

/** Resident memory of a process, bytes. */
export function residentBytes(pid: number): number {
  const kibibytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) * 1024;
}

/** The highest resident memory while something runs. */
export async function highestDuring<T>(pid: number, run: () => Promise<T>): Promise<{ bytes: number; result: T }> {
  let bytes = residentBytes(pid);
  const timer = setInterval(() => {
    bytes = Math.max(bytes, residentBytes(pid));
  }, 20);
  try {
    const result = await run();
    return { result, bytes: Math.max(bytes, residentBytes(pid)) };
  } finally {
    clearInterval(timer);
  }
}
