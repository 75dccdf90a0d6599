import type { GatewayReport } from '#shell/wire';
import type { CallControl } from './control-client.ts';

const reportEveryMs = 5_000;
const appsMax = 10_000;
const callersMax = 10_000;

/** Tells control every few seconds how this gateway is. A report that could not be given is not made up for. */
export function reportState(
  call: CallControl,
  {
    version,
    facts,
    open,
    pdp,
    onTokenKeys,
  }: {
    readonly version: string;
    readonly facts: { readonly epoch: number; readonly revision: number };
    readonly open: () => ReadonlyMap<string, number>;
    readonly pdp: () => {
      readonly url: string | null;
      readonly mutualTlsUrl: string | null;
      readonly lastUse: ReadonlyMap<string, number>;
    };
    /** Told with every answer which keys sign and verify assertions. */
    readonly onTokenKeys: (keyIds: readonly string[]) => void;
  },
): { close: () => void } {
  const pdpReport = () => {
    const { lastUse, ...urls } = pdp();
    return { ...urls, callers: [...lastUse].slice(0, callersMax).map(([token, at]) => ({ token, at })) };
  };
  const report = (): GatewayReport => ({
    version,
    epoch: facts.epoch,
    revision: facts.revision,
    open: [...open()].slice(0, appsMax).map(([resource, count]) => ({ resource, count })),
    pdp: pdpReport(),
  });
  const tell = () =>
    void call('report', report()).then(
      ({ tokenKeyIds }) => onTokenKeys(tokenKeyIds),
      () => undefined,
    );
  tell();
  const timer = setInterval(tell, reportEveryMs);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
