export declare const page: (caller: unknown, signs: unknown) => void;
