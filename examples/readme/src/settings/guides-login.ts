export declare const clientSecret: string;
export declare const cookieKey: Uint8Array<ArrayBuffer>;
