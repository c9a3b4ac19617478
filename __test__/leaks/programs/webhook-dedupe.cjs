"use strict";
var __importDefault = (this && this.__importDefault) || function (mod) {
    return (mod && mod.__esModule) ? mod : { "default": mod };
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.load = exports.WebhookReceiver = void 0;
const node_crypto_1 = __importDefault(require("node:crypto"));
class WebhookReceiver {
    constructor(secret) {
        this.secret = secret;
        this.seenDeliveries = new Set();
        this.accepted = 0;
    }
    sign(body) {
        return node_crypto_1.default.createHmac("sha256", this.secret).update(body).digest("hex");
    }
    receive(delivery) {
        var _a;
        const id = `${delivery.id}:${this.sign((_a = delivery.body) !== null && _a !== void 0 ? _a : "")}`;
        if (this.seenDeliveries.has(id))
            return false;
        this.seenDeliveries.add(id);
        this.accepted++;
        return true;
    }
}
exports.WebhookReceiver = WebhookReceiver;
const receiver = new WebhookReceiver("s3cret");
const load = async (count) => {
    for (let n = 0; n < count; n++) {
        const id = node_crypto_1.default.randomUUID();
        receiver.receive({ id, body: `{"event":"push","n":${n}}` });
        receiver.receive({ id, body: `{"event":"push","n":${n}}` });
    }
};
exports.load = load;
//# sourceMappingURL=webhook-dedupe.js.map
