// Does: carries messages over nats-server with one credential an actor instance. Never lets a subject out that could
// hold a second command: nats.js 2 does not check subjects. The only file that imports `nats`, with nkeys.ts and
// lean-transport.ts.
import { readFileSync } from 'node:fs';
import { createInbox, Events, nkeyAuthenticator, type ConnectionOptions, type NatsConnection, type Status } from 'nats';
import { messageOf } from '../base/errors.ts';
import { LIMITS } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { BusError, type Bus, type BusMessage, type BusStatus, type Subscription } from './bus.ts';
import { decode, encode } from './codec.ts';
import { connectLean } from './lean-transport.ts';
import { nkeyFromSeed } from './nkeys.ts';
import { PendingRequests } from './pending-requests.ts';
import { inboxPrefix } from './subjects.ts';

/** Status that nats-server answers with for a subject that nobody hears. */
const NOBODY = 503;
const SAFE_SUBJECT = /^[A-Za-z0-9_$*>.-]+$/;

export interface NatsSettings {
  servers: string[];
  /** File with the nkey seed (SU…) of the instance. */
  seedFile: string;
  /** CA of the server's certificate; absent: no TLS (tests). */
  caFile?: string;
  certFile?: string;
  keyFile?: string;
}

/** Connects and stays connected: waits for a server that is not there yet, and reconnects for ever. */
export async function connectNats(instance: string, settings: NatsSettings, log: Log): Promise<Bus> {
  const options: ConnectionOptions = {
    servers: settings.servers,
    name: instance,
    maxReconnectAttempts: -1,
    waitOnFirstConnect: true,
    reconnectTimeWait: 100,
    reconnectJitter: 50,
    timeout: 2000,
    pingInterval: 2000,
    maxPingOut: 3,
    noAsyncTraces: true,
    inboxPrefix: inboxPrefix(instance),
    ...(settings.seedFile === '' ? {} : { authenticator: nkeyAuthenticator(seedIn(settings.seedFile)) }),
    ...(settings.caFile === undefined
      ? {}
      : {
          tls: {
            caFile: settings.caFile,
            ...(settings.certFile === undefined ? {} : { certFile: settings.certFile, keyFile: settings.keyFile! }),
          },
        }),
  };
  const lane = (): Promise<Bus> => connectNats(instance, settings, log);
  return new NatsBus(instance, await connectLean(options), log, lane);
}

/** Told here: the connection would only try again and again with a seed that is none. */
function seedIn(file: string): Uint8Array {
  try {
    return new TextEncoder().encode(nkeyFromSeed(readFileSync(file, 'utf8')).seed);
  } catch (error) {
    throw new Error(`the credential in ${file} is not an nkey seed: ${messageOf(error)}`);
  }
}

class NatsBus implements Bus {
  readonly instance: string;
  readonly #connection: NatsConnection;
  readonly #log: Log;
  readonly #connectLane: () => Promise<Bus>;
  readonly #lanes: Bus[] = [];
  readonly #handlers = new Set<(status: BusStatus) => void>();
  readonly #requests = new PendingRequests();
  /** What the subject of an answer begins with. */
  readonly #inbox: string;
  #connected = true;

  constructor(instance: string, connection: NatsConnection, log: Log, connectLane: () => Promise<Bus>) {
    this.instance = instance;
    this.#connection = connection;
    this.#log = log;
    this.#connectLane = connectLane;
    this.#inbox = `${createInbox(inboxPrefix(instance))}.`;
    this.#hearAnswers();
    void this.#follow();
  }

  get connected(): boolean {
    return this.#connected;
  }

  publish(subject: string, data: unknown): void {
    const bytes = this.#encode(subject, data);
    if (!this.#connected) return;
    try {
      this.#connection.publish(subject, bytes);
    } catch (error) {
      this.#log.warn({ subject, error: messageOf(error) }, 'message not sent');
    }
  }

  subscribe(subject: string, handler: (message: BusMessage) => void, options: { queue?: string } = {}): Subscription {
    check(subject);
    const subscription = this.#connection.subscribe(subject, {
      ...(options.queue === undefined ? {} : { queue: options.queue }),
      callback: (error, message) => {
        if (error !== null) return this.#log.warn({ subject, error: error.message }, 'subscription refused');
        try {
          // Looked at now: the bytes below a message are others when this returns.
          const { reply = '', subject: heard } = message;
          const respond =
            reply === '' ? undefined : (answer: unknown) => this.#connection.publish(reply, encode(answer));
          handler({ subject: heard, data: decode(message.data), respond });
        } catch (thrown) {
          this.#log.warn({ subject: message.subject, error: messageOf(thrown) }, 'message not handled');
        }
      },
    });
    return { unsubscribe: () => subscription.unsubscribe() };
  }

  async request(subject: string, data: unknown, { timeoutMs }: { timeoutMs: number }): Promise<unknown> {
    const bytes = this.#encode(subject, data);
    if (!this.#connected) throw new BusError('disconnected', `request to ${subject}: the bus is not connected`);
    return this.#requests.add(subject, timeoutMs, (token) => {
      try {
        this.#connection.publish(subject, bytes, { reply: this.#inbox + token });
      } catch (error) {
        throw new BusError('disconnected', `request to ${subject}: ${messageOf(error)}`);
      }
    });
  }

  /** Answers to all requests come to one subscription: the last token says to which. */
  #hearAnswers(): void {
    this.#connection.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (error !== null) return this.#log.warn({ error: error.message }, 'answers are not heard');
        const token = message.subject.slice(this.#inbox.length);
        if (message.data.length === 0 && message.headers?.code === NOBODY) this.#requests.unheard(token);
        else this.#requests.answered(token, () => decode(message.data));
      },
    });
  }

  onStatus(handler: (status: BusStatus) => void): Subscription {
    this.#handlers.add(handler);
    return { unsubscribe: () => void this.#handlers.delete(handler) };
  }

  async flush(): Promise<void> {
    await this.#connection.flush();
  }

  async lane(): Promise<Bus> {
    const lane = await this.#connectLane();
    this.#lanes.push(lane);
    return lane;
  }

  async close(): Promise<void> {
    if (this.#connection.isClosed()) return;
    await Promise.all(this.#lanes.map((lane) => lane.close()));
    await Promise.race([
      this.#connection.drain().catch(() => {}),
      new Promise((resolve) => setTimeout(resolve, 1000).unref()),
    ]);
    await this.#connection.close();
    this.#requests.close();
  }

  #encode(subject: string, data: unknown): Uint8Array {
    check(subject);
    const bytes = encode(data);
    const limit = this.#connection.info?.max_payload ?? LIMITS.busPayloadBytes;
    if (bytes.length > limit)
      throw new BusError(
        'too-large',
        `message of ${bytes.length} bytes to ${subject}: the bus carries at most ${limit}`,
      );
    return bytes;
  }

  async #follow(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === Events.Disconnect) this.#turn(false);
      else if (status.type === Events.Reconnect) this.#turn(true);
      else if (status.type === Events.Error) this.#trouble(status);
    }
  }

  #trouble({ data, permissionContext }: Status): void {
    this.#log.warn({ error: String(data) }, 'bus error');
    if (permissionContext?.operation === 'publish') this.#requests.denied(permissionContext.subject);
  }

  #turn(connected: boolean): void {
    this.#connected = connected;
    this.#log.info({ connected }, connected ? 'bus connected again' : 'bus disconnected');
    for (const handler of this.#handlers) handler(connected ? 'connected' : 'disconnected');
  }
}

function check(subject: string): void {
  if (!SAFE_SUBJECT.test(subject))
    throw new BusError('denied', `subject ${JSON.stringify(subject)} holds characters that no subject may hold`);
}
