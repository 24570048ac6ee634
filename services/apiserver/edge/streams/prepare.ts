// Decides whether and how an upgraded request for exec, attach or port-forward is served: protocol, container, kubelet.
// Everything that may be refused is refused here, before the upgrade is accepted, with the words of the real one.
import { ApiError } from '../../../../lib/base/errors.ts';
import { openStream } from '../../../../lib/bus/streams.ts';
import { chosenProtocol, COMMAND_PROTOCOLS, FORWARD_PROTOCOLS } from '../../../../lib/streams/channels.ts';
import type { Answer, Call } from '../call.ts';
import type { ApiParts } from '../parts.ts';
import { commandWants, execOpen, forwardOpen, nodeOf, podTarget } from '../pod-target.ts';
import { serveCommand } from './command.ts';
import { pairStreams, type ForwardTarget } from './port-forward.ts';
import { chosenVersion, spdyCommand, spdyVersions } from './spdy-command.ts';
import { acceptSpdy, acceptTunnel, acceptWebSocket, TUNNEL_PROTOCOL, type Accept, type Offer } from './upgrades.ts';
import { websocketCommand } from './websocket-command.ts';
import { forwardOverWebSocket, portsOf } from './websocket-port-forward.ts';

type StreamAnswer = Extract<Answer, { type: 'stream' }>;

export const FORWARD_VERSION = 'portforward.k8s.io';

/** The kubelet has the command running before the upgrade is accepted; what it prints meanwhile waits. Throws ApiError. */
export async function prepareCommand(
  parts: ApiParts,
  call: Call,
  answer: StreamAnswer,
  verb: 'exec' | 'attach',
  offer: Offer,
): Promise<Accept> {
  const { ctx } = parts;
  const { node, kubelet, container } = podTarget(answer.pod, call.query);
  const open = execOpen(ctx.chance.uuid(), answer.pod, container, call.query, verb);
  const wants = commandWants(call.query);
  const spoken = chosenProtocol(COMMAND_PROTOCOLS, offer.protocols);
  const version = chosenVersion(offer.protocols);
  if (offer.carrier === 'spdy' && version === undefined) throw nothingInCommon(offer.protocols, spdyVersions);
  if (offer.carrier === 'websocket' && spoken === undefined)
    throw nothingInCommon(
      offer.protocols,
      COMMAND_PROTOCOLS.map(({ name }) => name),
    );
  const stream = await openStream(ctx, { node, instance: kubelet }, verb, open);
  return (upgrade) => {
    if (upgrade.socket.destroyed) return stream.close();
    upgrade.socket.once('close', () => stream.close());
    if (offer.carrier === 'spdy')
      return spdyCommand(
        upgrade,
        version!,
        wants,
        ctx.clock,
        (client) => serveCommand(client, stream),
        () => stream.close(),
      );
    acceptWebSocket(upgrade, spoken!.name, (socket) => serveCommand(websocketCommand(socket, spoken!), stream));
  };
}

/** Nothing is connected yet: each connection that the client makes asks the kubelet for one. Throws ApiError. */
export function prepareForward(parts: ApiParts, call: Call, answer: StreamAnswer, offer: Offer): Accept {
  const { ctx } = parts;
  const { node, kubelet } = nodeOf(answer.pod);
  const target: ForwardTarget = {
    pod: answer.pod.name,
    uid: answer.pod.object.metadata.uid ?? '',
    open: (port) =>
      openStream(ctx, { node, instance: kubelet }, 'portforward', forwardOpen(ctx.chance.uuid(), answer.pod, port)),
  };
  if (offer.carrier === 'spdy') {
    const chosen = offer.protocols.includes(FORWARD_VERSION);
    if (!chosen && offer.protocols.length > 0) throw nothingInCommon(offer.protocols, [FORWARD_VERSION]);
    const version = chosen ? FORWARD_VERSION : undefined;
    return (upgrade) => void acceptSpdy(upgrade, version, ctx.clock, pairStreams(target, ctx.clock));
  }
  if (offer.protocols.includes(TUNNEL_PROTOCOL))
    return (upgrade) => acceptTunnel(upgrade, ctx.clock, pairStreams(target, ctx.clock));
  const spoken = chosenProtocol(FORWARD_PROTOCOLS, offer.protocols);
  if (spoken === undefined)
    throw nothingInCommon(offer.protocols, [TUNNEL_PROTOCOL, ...FORWARD_PROTOCOLS.map(({ name }) => name)]);
  const ports = portsOf(call.query);
  return (upgrade) =>
    acceptWebSocket(upgrade, spoken.name, (socket) => forwardOverWebSocket(socket, spoken, target, ports));
}

function nothingInCommon(offered: readonly string[], served: readonly string[]): ApiError {
  return new ApiError(
    'BadRequest',
    `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${served.join(' ')}]`,
  );
}
