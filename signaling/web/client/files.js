// Sends a file to the server, which keeps it as long as the room lives. What comes back is announced in the chat.

import { MeetingError } from "./errors.js";

/** Settles with {id, name, size, type, url}; fails with a MeetingError, code "cancelled" after `signal`.
 *  @param {File} file  @param {URL} url  of the room's files  @param {string} token  the resume token
 *  @param {{onProgress?: (share: number) => void, signal?: AbortSignal}} [options]  share: 0 to 1 */
export function upload(file, url, token, { onProgress = () => {}, signal } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch tells nothing of how far an upload is
    const to = new URL(url);
    to.searchParams.set("name", file.name);
    request.open("POST", to);
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    request.onload = () => (request.status === 201 ? resolve(request.response) : reject(refusal(request)));
    request.onerror = () => reject(new MeetingError("unreachable"));
    request.onabort = () => reject(new MeetingError("cancelled"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

function refusal({ response, status }) {
  const { code, message } = response?.error ?? response ?? {};
  return new MeetingError(code ?? (status === 413 ? "too_large" : "unknown"), message);
}
