import type { Family, Sample } from './exposition.ts';

/** Upper ends of the buckets, in seconds: from what a read takes to what a client gives up at. */
const BUCKETS_S = [0.005, 0.025, 0.1, 0.5, 2.5, 10] as const;
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Of requests that no route of the hub answered, whatever they asked for. */
const UNMATCHED = 'unmatched';

/** An answered request. */
export interface AnsweredRequest {
  readonly method: string;
  /** The pattern of its route, such as `/api/entities/{id}`; undefined where it had none. */
  readonly endpoint: string | undefined;
  readonly status: number;
  readonly ms: number;
}

interface Series {
  readonly method: string;
  readonly endpoint: string;
  /** By the first digit of the status. */
  readonly byClass: number[];
  /** Each by itself; they are summed up when somebody reads them. The last is what is above all buckets. */
  readonly buckets: number[];
  seconds: number;
}

/**
 * Counts requests. It is on the way of each of them, so it adds to numbers and does nothing else. However many paths are
 * asked for, there are no more series than routes, and one for the rest.
 */
export class HttpMetrics {
  readonly #series = new Map<string, Series>();
  #inFlight = 0;

  began(): void {
    this.#inFlight += 1;
  }

  answered({ method, endpoint = UNMATCHED, status, ms }: AnsweredRequest): void {
    this.#inFlight -= 1;
    const seconds = ms / 1000;
    const series = this.#seriesOf(METHODS.has(method) ? method : 'OTHER', endpoint);
    const kind = Math.min(5, Math.max(1, Math.floor(status / 100)));
    series.byClass[kind] = (series.byClass[kind] ?? 0) + 1;
    let bucket = 0;
    while (bucket < BUCKETS_S.length && seconds > (BUCKETS_S[bucket] ?? 0)) bucket += 1;
    series.buckets[bucket] = (series.buckets[bucket] ?? 0) + 1;
    series.seconds += seconds;
  }

  families(): Family[] {
    const all = [...this.#series.values()];
    return [
      {
        name: 'http_requests_total',
        help: 'Requests that were answered, by the pattern of their route and the class of their status.',
        type: 'counter',
        samples: all.flatMap(({ method, endpoint, byClass }) =>
          byClass.flatMap((value, kind) =>
            value > 0 ? [{ labels: { method, endpoint, status: `${kind}xx` }, value }] : [],
          ),
        ),
      },
      {
        name: 'http_request_duration_seconds',
        help: 'How long requests took, from their arrival to their answer.',
        type: 'histogram',
        samples: all.flatMap(durations),
      },
      {
        name: 'http_requests_in_flight',
        help: 'Requests that are being answered.',
        type: 'gauge',
        samples: [{ value: this.#inFlight }],
      },
    ];
  }

  #seriesOf(method: string, endpoint: string): Series {
    const key = `${method} ${endpoint}`;
    const known = this.#series.get(key);
    if (known) return known;
    const series = {
      method,
      endpoint,
      byClass: [0, 0, 0, 0, 0, 0],
      buckets: [...BUCKETS_S, 0].map(() => 0),
      seconds: 0,
    };
    this.#series.set(key, series);
    return series;
  }
}

function durations({ method, endpoint, buckets, seconds }: Series): Sample[] {
  const labels = { method, endpoint };
  let count = 0;
  const samples: Sample[] = [];
  for (const [n, value] of buckets.entries()) {
    count += value;
    const le = String(BUCKETS_S[n] ?? '+Inf');
    samples.push({ suffix: '_bucket', labels: { ...labels, le }, value: count });
  }
  return [...samples, { suffix: '_sum', labels, value: seconds }, { suffix: '_count', labels, value: count }];
}
