// Put before a page's own scripts: cameras and microphones that can be unplugged and plugged in again. The browser's fake
// devices stay, so what unplugging does is done here: their tracks end, they are listed and given no more, the page is told.

(() => {
  const { mediaDevices } = navigator;
  const native = {
    enumerate: mediaDevices.enumerateDevices.bind(mediaDevices),
    get: mediaDevices.getUserMedia.bind(mediaDevices),
  };
  const gone = new Set();
  const tracks = [];
  const kinds = { audio: "audioinput", video: "videoinput" };

  const DEPTH = "fake_device_1"; // Chromium's second fake camera measures distances and gives no picture

  mediaDevices.enumerateDevices = async () =>
    (await native.enumerate()).filter(({ deviceId, label }) => !gone.has(deviceId) && label !== DEPTH);

  mediaDevices.getUserMedia = async (constraints) => {
    const given = {};
    for (const [kind, wanted] of Object.entries(constraints)) {
      if (!wanted) continue;
      const there = (await mediaDevices.enumerateDevices()).filter((device) => device.kind === kinds[kind]);
      const named = wanted.deviceId?.exact ?? wanted.deviceId?.ideal;
      const device = there.find(({ deviceId }) => deviceId === named) ?? (wanted.deviceId?.exact ? null : there[0]);
      if (!device) throw new DOMException("", "NotFoundError");
      given[kind] = { ...(wanted === true ? {} : wanted), ...(device.deviceId ? { deviceId: { exact: device.deviceId } } : {}) };
    }
    const stream = await native.get(given);
    tracks.push(...stream.getTracks());
    return stream;
  };

  /** The device that a live track of this kind comes from; gives its id. */
  globalThis.unplug = (kind) => {
    const id = tracks.find((track) => track.kind === kind && track.readyState === "live").getSettings().deviceId;
    gone.add(id);
    for (const track of tracks) {
      if (track.readyState !== "live" || track.kind !== kind || track.getSettings().deviceId !== id) continue;
      track.stop();
      track.dispatchEvent(new Event("ended"));
    }
    mediaDevices.dispatchEvent(new Event("devicechange"));
    return id;
  };

  globalThis.plugIn = (id) => {
    gone.delete(id);
    mediaDevices.dispatchEvent(new Event("devicechange"));
  };
})();
