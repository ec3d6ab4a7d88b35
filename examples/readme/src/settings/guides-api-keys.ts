export declare const hash: string;
export declare const isHashOf: (presented: string, hash: string) => Promise<boolean>;
