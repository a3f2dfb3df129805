/** Of a gateway that is not named: a name that never leaves this machine. https://www.rfc-editor.org/rfc/rfc6761 */
export const LOCAL_SMS_DOMAIN = 'sms.localhost';
