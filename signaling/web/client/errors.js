// What can go wrong, as one error type with a machine-readable code. Owns the list of codes that the client itself
// raises; codes of the server (signaling/PROTOCOL.md) pass through unchanged.

export const CLIENT_CODES = Object.freeze({
  UNREACHABLE: "unreachable", // the server never answered
  CONNECTION_LOST: "connection_lost", // it answered once, and reconnecting took too long
  INSECURE_CONTEXT: "insecure_context", // browsers hide camera and microphone on plain http
  UNSUPPORTED_BROWSER: "unsupported_browser",
  CLOSED: "closed", // used after leave(), or interrupted by it
  MEDIA_FAILED: "media_failed", // the browser refused the server's answer
});

export class MeetingError extends Error {
  /** @param {string} code  @param {string} [message]  @param {{fatal?: boolean}} [options] */
  constructor(code, message = code, { fatal = false } = {}) {
    super(message);
    this.name = "MeetingError";
    this.code = code;
    this.fatal = fatal;
  }
}

/** Null, or the reason why this browser cannot meet here. */
export function checkSupport(scope = globalThis) {
  if (!scope.isSecureContext) return new MeetingError(CLIENT_CODES.INSECURE_CONTEXT);
  const needed = [scope.RTCPeerConnection, scope.WebSocket, scope.navigator?.mediaDevices];
  const offersAlone = scope.RTCPeerConnection?.prototype?.restartIce; // the same generation has setLocalDescription()
  if (needed.includes(undefined) || !offersAlone) return new MeetingError(CLIENT_CODES.UNSUPPORTED_BROWSER);
  return null;
}
