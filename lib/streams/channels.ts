// Decides how a conversation's channels share one WebSocket: which byte or digit opens a message, which protocols there
// are and what each can say. Never sends anything.

/** Whole groups of four, as Go reads it. */
const RE_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** As Kubernetes numbers them for exec and attach. */
export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4 } as const;

/** v5: `[255, channel]` says that the channel has ended. */
const CLOSE = 255;

export interface ChannelProtocol {
  name: string;
  /** Text messages: a digit, then base64. */
  isText: boolean;
  hasClose: boolean;
  /** How it went is told as a Status; before v4 only what went wrong is told, as text. */
  tellsStatus: boolean;
  hasResize: boolean;
}

function protocol(name: string, isText: boolean, version: number): ChannelProtocol {
  return { name, isText, hasClose: version >= 5, tellsStatus: version >= 4, hasResize: version >= 4 };
}

/** Best first: a client that offers several gets the first of these. */
export const COMMAND_PROTOCOLS: readonly ChannelProtocol[] = [
  protocol('v5.channel.k8s.io', false, 5),
  protocol('v4.channel.k8s.io', false, 4),
  protocol('v4.base64.channel.k8s.io', true, 4),
  protocol('channel.k8s.io', false, 1),
  protocol('base64.channel.k8s.io', true, 1),
];

/** Upstream serves v4 alone; clients that offer only v5 speak the same. */
export const FORWARD_PROTOCOLS: readonly ChannelProtocol[] = [
  protocol('v4.channel.k8s.io', false, 4),
  protocol('v4.base64.channel.k8s.io', true, 4),
  protocol('v5.channel.k8s.io', false, 5),
];

export type ChannelMessage =
  | { type: 'data'; channel: number; data: Buffer }
  | { type: 'close'; channel: number }
  | { type: 'wrong'; why: string };

export function decodeMessage(spoken: ChannelProtocol, message: Buffer, isBinary: boolean): ChannelMessage {
  if (message.length === 0) return { type: 'wrong', why: 'a message without a channel' };
  if (!spoken.isText && isBinary) return decodeBinary(spoken, message);
  const channel = message[0]! - 0x30;
  if (channel < 0 || channel > 9)
    return {
      type: 'wrong',
      why: `a text message that begins with ${JSON.stringify(message.toString('latin1', 0, 1))}`,
    };
  if (!spoken.isText) return { type: 'data', channel, data: message.subarray(1) };
  const text = message.toString('latin1', 1);
  if (!RE_BASE64.test(text)) return { type: 'wrong', why: `channel ${channel} with text that is not base64` };
  return { type: 'data', channel, data: Buffer.from(text, 'base64') };
}

function decodeBinary(spoken: ChannelProtocol, message: Buffer): ChannelMessage {
  const [channel, second] = message as unknown as [number, number | undefined];
  if (channel !== CLOSE || !spoken.hasClose) return { type: 'data', channel, data: message.subarray(1) };
  if (second === undefined) return { type: 'wrong', why: 'a close that names no channel' };
  return { type: 'close', channel: second };
}

export function encodeMessage(spoken: ChannelProtocol, channel: number, data: Uint8Array): Buffer {
  if (spoken.isText)
    return Buffer.from(`${channel}${Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')}`);
  const message = Buffer.allocUnsafe(data.length + 1);
  message[0] = channel;
  message.set(data, 1);
  return message;
}

/** The first of `known` that is offered. */
export function chosenProtocol(
  known: readonly ChannelProtocol[],
  offered: readonly string[],
): ChannelProtocol | undefined {
  return known.find(({ name }) => offered.includes(name));
}
