// Decides how a peer that breaks SPDY is told of: an error with what it sent. Never closes the connection itself.

export class SpdyProtocolError extends Error {
  constructor(message: string) {
    super(`SPDY/3.1: ${message}`);
    this.name = 'SpdyProtocolError';
  }
}
