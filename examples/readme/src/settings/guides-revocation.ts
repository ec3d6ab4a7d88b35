export declare const clientSecret: string;
